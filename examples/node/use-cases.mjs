// The five use cases of the API's page, with this package instead of fetch.

import { Client } from 'vambe';

const client = new Client({ channelPhoneNumber: process.env.WHATSAPP_PHONE });

/** 1. Imports a customer of another CRM. */
export function importCRMCustomer(customer) {
  return client.upsert({
    channel: 'whatsapp',
    contact_phone_number: customer.phone,
    contact_name: customer.full_name,
    contact_email: customer.email,
    stageId: process.env.INITIAL_STAGE_ID,
    meta_data: { company: customer.company_name, industry: customer.industry_sector, imported_at: new Date() },
    custom_field_values: { lead_score: customer.qualification_score },
  });
}

/** 2. Creates a contact for a user of the web site. */
export function createWebchatContact(user) {
  return client.upsert({
    channel: 'webchat',
    channel_id: process.env.WEBCHAT_CHANNEL_ID,
    external_user_id: user.id,
    contact_name: user.displayName,
    contact_email: user.email,
    custom_field_values: { plan: user.plan, account_id: user.accountId },
  });
}

/** 3. Takes a contact form; an agent that is not known is left out. */
export function processContactForm(form) {
  return client.upsert({
    channel: 'whatsapp',
    contact_phone_number: form.phone,
    contact_name: form.name,
    contact_email: form.email,
    agentId: form.agentId,
    meta_data: { subject: form.subject, message: form.message },
  });
}

/** 4. Syncs the customer of an order. */
export function syncEcommerceCustomer(order) {
  const { customer } = order;
  return client.upsert({
    channel: 'whatsapp',
    contact_phone_number: customer.phone,
    contact_name: `${customer.first_name} ${customer.last_name}`,
    contact_email: customer.email,
    meta_data: {
      last_order: order.order_number,
      total: order.total_price,
      products: order.line_items.map(({ title }) => title),
    },
  });
}

/** 5. Imports many, and says of each what became of it. */
export async function bulkImportCustomers(customers, options = {}) {
  const records = customers.map(({ name, phone, customFields }) => ({
    channel: 'whatsapp',
    contact_phone_number: phone,
    contact_name: name,
    custom_field_values: customFields,
  }));
  const results = new Array(customers.length);
  for await (const { index, ok, contact, error } of client.upsertMany(records, options)) {
    results[index] = ok ? { id: contact.id } : { error: error.message };
  }
  return results;
}
