curl --request POST \
  'https://api.vambe.me/api/public/customer/upsert/info' \
  --header 'Content-Type: application/json' \
  --header 'x-api-key: your_api_key_here' \
  --data-raw '{
    "channel": "webchat",
    "channel_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "external_user_id": "user-abc-123",
    "contact_name": "Jane Doe",
    "contact_email": "jane@example.com",
    "custom_field_values": [
      { "key": "plan", "value": "premium" },
      { "key": "account_id", "value": "ACC-9876" }
    ]
  }'
