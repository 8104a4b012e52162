VERIFIER=$(openssl rand -hex 32)
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary \
  | openssl base64 -A | tr '+/' '-_' | tr -d '=')
STATE=$(openssl rand -hex 16)
QUERY="response_type=code&scope=school&state=$STATE"
QUERY="$QUERY&client_id=$CLIENT_ID&redirect_uri=$REDIRECT_URI"
QUERY="$QUERY&code_challenge=$CHALLENGE&code_challenge_method=S256"
echo 'Open this address as an Estab Admin of the school:'
echo "<authorization_endpoint>?$QUERY"
echo 'Paste the address that the browser was sent to:'
read -r ANSWER
