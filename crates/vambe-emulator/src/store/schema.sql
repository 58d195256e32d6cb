CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    api_key TEXT UNIQUE, -- null once reset: the rows wait to be deleted
    client BLOB NOT NULL,
    seed TEXT NOT NULL -- what the tenant knows, and what a reset brings back
) STRICT;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    uuid BLOB NOT NULL
) STRICT;
CREATE INDEX customer_of_tenant ON customer (tenant);

CREATE TABLE contact (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    channel BLOB NOT NULL,
    identity TEXT NOT NULL,
    customer INTEGER NOT NULL,
    uuid BLOB NOT NULL,
    platform TEXT NOT NULL,
    phone TEXT,
    name TEXT,
    email TEXT,
    stage BLOB,
    agent BLOB,
    meta_data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant, channel, identity)
) STRICT;
CREATE INDEX contact_of_customer ON contact (customer);

CREATE TABLE field_value (
    customer INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    identifier INTEGER NOT NULL,
    from_metadata INTEGER NOT NULL,
    PRIMARY KEY (customer, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX identifier ON field_value (tenant, key, value, customer) WHERE identifier = 1;

-- Metadata to be processed, and what became of it.
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    meta_data TEXT NOT NULL,
    due INTEGER, -- when, in milliseconds since 1970; null when it waits to be asked for
    deliveries INTEGER NOT NULL, -- how often it is still to be processed
    trace TEXT -- null until it was processed
) STRICT;
CREATE INDEX job_of_contact ON job (contact);
CREATE INDEX waiting_job ON job (due) WHERE deliveries > 0;
