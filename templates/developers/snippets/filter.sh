curl -sS -G -H "Authorization: Bearer $ACCESS_TOKEN" '<schools>' \
  --data-urlencode "filter=identifier='100001'"
