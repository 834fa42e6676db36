/**
 * The tables of batches and of what is to be done for them. Moments of batches are seconds of Unix time, those of tasks
 * milliseconds. `ended` has a bit for each line.
 */
export const schema = `
CREATE TABLE IF NOT EXISTS batches (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, status TEXT NOT NULL, ended_at INTEGER, expires INTEGER NOT NULL,
  lines INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, facts TEXT NOT NULL, ended BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batches_by_owner ON batches (owner, id);
CREATE INDEX IF NOT EXISTS batches_unended ON batches (expires) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS batches_ended ON batches (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS batch_queue (
  batch TEXT PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, lines INTEGER NOT NULL, next INTEGER NOT NULL,
  served INTEGER NOT NULL, skip BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_tasks (
  batch TEXT NOT NULL, line INTEGER NOT NULL, process TEXT, leased_until INTEGER NOT NULL, not_before INTEGER NOT NULL,
  attempts INTEGER NOT NULL, PRIMARY KEY (batch, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_pages (
  batch TEXT NOT NULL, line INTEGER NOT NULL, part TEXT NOT NULL, page INTEGER NOT NULL, result TEXT NOT NULL,
  PRIMARY KEY (batch, line, part, page)
) STRICT, WITHOUT ROWID;
`
