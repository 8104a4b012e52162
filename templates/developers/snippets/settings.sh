export ISSUER='<issuer>'
export CLIENT_ID='<client_id>'
export CLIENT_SECRET='<client_secret>'
export REDIRECT_URI='<redirect_uri>'
