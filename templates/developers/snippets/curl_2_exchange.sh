CODE=$(printf %s "$ANSWER" | grep "state=$STATE" \
  | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
TOKENS=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" '<token_endpoint>' \
  -d grant_type=authorization_code \
  -d "code=$CODE" \
  --data-urlencode "redirect_uri=$REDIRECT_URI" \
  -d "code_verifier=$VERIFIER")
echo "$TOKENS"
