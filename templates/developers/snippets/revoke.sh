curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<revocation_endpoint>' \
  -d "token=$ACCESS_TOKEN"
