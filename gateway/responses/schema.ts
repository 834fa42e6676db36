/** The tables of the kept responses. Times are milliseconds of Unix time. */
export const schema = `
CREATE TABLE IF NOT EXISTS responses (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  status TEXT NOT NULL,
  is_begun INTEGER NOT NULL,
  lane TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  process TEXT,
  leased_until INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  text_bytes INTEGER NOT NULL,
  document_bytes INTEGER NOT NULL,
  has_documents INTEGER NOT NULL DEFAULT 1,
  error TEXT,
  -- Last, because they are long: what comes before is found without reading them.
  question TEXT NOT NULL,
  answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS responses_unended ON responses (owner) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS responses_ended
  ON responses (ended_at, id, text_bytes, document_bytes, has_documents) WHERE ended_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS response_pieces (
  id TEXT NOT NULL REFERENCES responses ON DELETE CASCADE,
  number INTEGER NOT NULL,
  page INTEGER,
  text TEXT NOT NULL,
  PRIMARY KEY (id, number)
) STRICT;
CREATE TABLE IF NOT EXISTS response_pages (
  id TEXT NOT NULL REFERENCES responses ON DELETE CASCADE,
  page INTEGER NOT NULL,
  has_failed INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (id, page)
) STRICT;
-- Background responses that have ended, and of which nobody was told yet.
CREATE TABLE IF NOT EXISTS response_ends (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  status TEXT NOT NULL,
  ended_at INTEGER NOT NULL
) STRICT;
`
