curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<introspection_endpoint>' \
  -d "token=$ACCESS_TOKEN"
