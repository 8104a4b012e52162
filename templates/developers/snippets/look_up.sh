GRANT_ID=$(printf %s "$TOKENS" \
  | sed -n 's/.*"grant_id":"\([^"]*\)".*/\1/p')
OWN_TOKEN=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<token_endpoint>' \
  -d grant_type=client_credentials \
  | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')
curl -sS -H "Authorization: Bearer $OWN_TOKEN" \
  "<grant_management_endpoint>/$GRANT_ID"
