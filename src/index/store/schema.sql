-- The truth of a data folder. The other indexes hold ids and are rebuilt from here.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE collections (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- What a file says; files with the same bytes share one row. The key is made of
-- the bytes, the format and the recipe by which they were read and cut.
CREATE TABLE contents (
    id         INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections,
    key        TEXT NOT NULL,
    format     TEXT NOT NULL,
    -- The title of the first of its documents by path; chunks are indexed with it.
    title      TEXT NOT NULL,
    -- UTF-8, a blob so that `substr` counts bytes.
    text       BLOB NOT NULL,
    UNIQUE (collection, key)
);

-- Everything else of a document (pages, blocks, lines, boxes), compressed. It
-- is in a table of its own so that reading a passage never reads it.
CREATE TABLE layouts (
    content INTEGER PRIMARY KEY REFERENCES contents ON DELETE CASCADE,
    bytes   BLOB NOT NULL
);

CREATE TABLE documents (
    id         TEXT PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections,
    path       TEXT NOT NULL,
    root       TEXT,
    hash       TEXT NOT NULL,
    recipe     TEXT NOT NULL,
    mtime      INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    -- Null when the file could not be read; then reason and message say why.
    content    INTEGER REFERENCES contents,
    title      TEXT NOT NULL,
    reason     TEXT,
    message    TEXT,
    warnings   TEXT NOT NULL,
    added_at   INTEGER NOT NULL,
    UNIQUE (collection, path)
) WITHOUT ROWID;
CREATE INDEX documents_by_content ON documents (content, path);

CREATE TABLE chunks (
    -- The bits of the chunk id.
    id            INTEGER PRIMARY KEY,
    content       INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
    ordinal       INTEGER NOT NULL,
    span_start    INTEGER NOT NULL,
    span_end      INTEGER NOT NULL,
    section_start INTEGER NOT NULL,
    section_end   INTEGER NOT NULL,
    page          INTEGER,
    line_first    INTEGER,
    line_last     INTEGER,
    headings      TEXT NOT NULL,
    context       TEXT NOT NULL,
    plain         TEXT NOT NULL,
    -- The document's text at the span: `SQLite` reads a blob as a whole, and a
    -- search must not read whole documents to show their passages.
    text          TEXT NOT NULL
);
CREATE UNIQUE INDEX chunks_by_content ON chunks (content, ordinal);

-- The knowledge graph: what each passage mentions, packed, and the same the
-- other way round. Nothing is counted here, so nothing can be miscounted: in how
-- many passages an entity is mentioned is the length of its list.
CREATE TABLE mentions (
    chunk    INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    entities BLOB NOT NULL,
    -- For the first passage of a content: what its documents are called.
    names    BLOB
);
CREATE TABLE postings (
    -- A hash of the entity's key.
    entity INTEGER NOT NULL,
    chunk  INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    PRIMARY KEY (entity, chunk)
) WITHOUT ROWID;

-- Token vectors for late interaction, as the embedder's side packs them.
CREATE TABLE token_vectors (
    chunk INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    bytes BLOB NOT NULL
);

-- What the other indexes still have to do. A later order for the same chunk
-- takes the place of an earlier one.
CREATE TABLE outbox (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    chunk  INTEGER NOT NULL,
    op     TEXT NOT NULL,
    UNIQUE (target, chunk)
);
CREATE INDEX outbox_by_target ON outbox (target, op, seq);
