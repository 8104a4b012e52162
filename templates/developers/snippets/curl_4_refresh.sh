REFRESH_TOKEN=$(printf %s "$TOKENS" \
  | sed -n 's/.*"refresh_token":"\([^"]*\)".*/\1/p')
TOKENS=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<token_endpoint>' \
  -d grant_type=refresh_token \
  -d "refresh_token=$REFRESH_TOKEN")
ACCESS_TOKEN=$(printf %s "$TOKENS" \
  | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')
curl -sS -H "Authorization: Bearer $ACCESS_TOKEN" '<schools>'
