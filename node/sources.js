'use strict';
// What upsertMany reads from: `next()` gives a record or says `done`, and `close()` that no more is read.

/** Opens a source of any kind; nothing, if it is none. */
function openSource(records) {
  if (typeof records === 'string') return undefined;
  if (typeof records?.getReader === 'function') return ofReader(records.getReader());
  if (typeof records?.[Symbol.asyncIterator] === 'function') {
    const source = ofIterator(records[Symbol.asyncIterator](), true);
    // The iterator of a stream that has nothing to give would not hear of its end before it has.
    const isStream = typeof records.destroy === 'function' && typeof records.pipe === 'function';
    return isStream ? { ...source, close: () => void records.destroy() } : source;
  }
  return typeof records?.[Symbol.iterator] === 'function' ? ofIterator(records[Symbol.iterator](), false) : undefined;
}

function ofIterator(iterator, isAsync) {
  return { isAsync, next: () => iterator.next(), close: () => iterator.return?.() };
}

/** Reads a Web stream by a reader, which can cancel it also while it is being read. */
function ofReader(reader) {
  const close = () => {
    const cancelled = reader.cancel?.();
    reader.releaseLock?.();
    return cancelled;
  };
  return { isAsync: true, next: () => reader.read(), close };
}

module.exports = { openSource };
