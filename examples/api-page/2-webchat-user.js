const createWebchatContact = async (authenticatedUser) => {
  const response = await fetch(
    'https://api.vambe.me/api/public/customer/upsert/info',
    {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'x-api-key': 'your_api_key_here',
      },
      body: JSON.stringify({
        channel: 'webchat',
        channel_id: 'your_webchat_channel_uuid',
        external_user_id: authenticatedUser.id,
        contact_name: authenticatedUser.displayName,
        contact_email: authenticatedUser.email,
        custom_field_values: [
          { key: 'plan', value: authenticatedUser.plan },
          { key: 'account_id', value: authenticatedUser.accountId },
        ],
      }),
    },
  );

  return await response.json();
};
