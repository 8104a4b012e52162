ACCESS_TOKEN=$(printf %s "$TOKENS" \
  | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')
curl -sS -H "Authorization: Bearer $ACCESS_TOKEN" '<schools>'
