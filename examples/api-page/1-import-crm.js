const importCRMCustomer = async (crmData) => {
  const response = await fetch(
    'https://api.vambe.me/api/public/customer/upsert/info',
    {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'x-api-key': 'your_api_key_here',
      },
      body: JSON.stringify({
        channel_phone_number: '+56987654321',
        channel: 'whatsapp',
        contact_name: crmData.full_name,
        contact_phone_number: crmData.phone,
        contact_email: crmData.email,
        stageId: 'your_initial_stage_id',
        custom_field_values: [
          { key: 'company_name', value: crmData.company_name },
          { key: 'industry', value: crmData.industry_sector },
          { key: 'lead_score', value: String(crmData.qualification_score) },
        ],
        meta_data: {
          source: crmData.lead_source,
          notes: crmData.internal_notes,
        },
      }),
    },
  );

  const contact = await response.json();
  console.log(`Imported customer: ${contact.name} (${contact.id})`);
  return contact;
};
