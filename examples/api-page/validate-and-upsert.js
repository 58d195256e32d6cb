const validateAndUpsert = async (customerData) => {
  if (!customerData.phone || !customerData.name) {
    throw new Error('Phone and name are required');
  }

  const cleanPhone = customerData.phone.replace(/[^\d+]/g, '');

  return await fetch('https://api.vambe.me/api/public/customer/upsert/info', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'x-api-key': 'your_api_key_here',
    },
    body: JSON.stringify({
      channel_phone_number: process.env.WHATSAPP_PHONE,
      channel: 'whatsapp',
      contact_phone_number: cleanPhone,
      contact_name: customerData.name,
      contact_email: customerData.email,
      custom_field_values: customerData.customFields || [],
      meta_data: customerData.additionalData,
    }),
  }).then((r) => r.json());
};
