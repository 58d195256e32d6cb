-- What a journal remembers. Keys and bodies are salted hashes: only `failed` holds customers as they are.
CREATE TABLE salt (salt BLOB NOT NULL);
INSERT INTO salt (salt) VALUES (randomblob(16));

-- A host and a key, as one hash: what one knows says nothing of another.
CREATE TABLE target (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    host TEXT NOT NULL,
    learned_limit REAL
);

CREATE TABLE field (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- What was accepted last of each customer. `fields`: pairs of a field's id (2 bytes) and the hash of its value (4).
CREATE TABLE customer (
    target INTEGER NOT NULL,
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    fields BLOB NOT NULL,
    contact TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (target, key)
) WITHOUT ROWID;

-- What was accepted since the last merge, in the order of acceptance: an import that appends is twice as fast
-- as one that finds each customer's place, and a merge in the order of the keys finds all places in one pass.
CREATE TABLE fresh (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    fields BLOB NOT NULL,
    contact TEXT NOT NULL,
    at INTEGER NOT NULL
);

-- What failed last of each customer, as it was sent, until it is accepted.
CREATE TABLE failed (
    target INTEGER NOT NULL,
    key BLOB NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL,
    fields BLOB NOT NULL,
    line INTEGER NOT NULL,
    code TEXT NOT NULL,
    retryable INTEGER NOT NULL,
    PRIMARY KEY (target, key)
) WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    source TEXT NOT NULL,
    size INTEGER,
    modified INTEGER,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT,
    summary TEXT
);

-- What became of each row of the last run of a source.
CREATE TABLE outcome (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    reason TEXT,
    http_status INTEGER,
    attempts INTEGER NOT NULL,
    contact TEXT,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
