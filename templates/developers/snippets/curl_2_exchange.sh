TOKENS=
part() {
  printf '%s\n' "${ANSWER#*\?}" | tr '&' '\n' | sed -n "s/^$1=//p"
}
CAME_FROM=$(part iss | sed 's/%3A/:/g; s/%2F/\//g')
if [ "$(part state)" != "$STATE" ] || [ "$CAME_FROM" != "$ISSUER" ] \
  || [ -n "$(part error)" ]; then
  echo "Stop here. The browser came back with: $ANSWER"
  false
else
  TOKENS=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<token_endpoint>' \
    -d grant_type=authorization_code \
    -d "code=$(part code)" \
    --data-urlencode "redirect_uri=$REDIRECT_URI" \
    -d "code_verifier=$VERIFIER")
  echo "$TOKENS"
fi
