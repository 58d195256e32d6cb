curl --request POST \
  --url https://api.vambe.me/api/public/customer/upsert/info \
  --header 'Content-Type: application/json' \
  --header 'x-api-key: <x-api-key>' \
  --data '
{
  "channel": "whatsapp",
  "meta_data": {
    "source": "landing-page"
  }
}
'
