curl -sS -X DELETE -H "Authorization: Bearer $OWN_TOKEN" \
  -w '%{http_code}\n' "<grant_management_endpoint>/$GRANT_ID"
