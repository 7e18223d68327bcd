// Validates a document with AsyncAPI's own parser. Prints each finding with its line, and fails if there
// is one. The parser does not compare examples with their schemas; tests/unit/events does.
//
// Usage: node validate.mjs FILE

import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const SEVERITIES = ['error', 'warning', 'information', 'hint'];

const [file] = process.argv.slice(2);
const parser = new Parser();
const { document, diagnostics } = await parser.parse(await readFile(file, 'utf8'), { source: file });

for (const { severity, code, message, path, range } of diagnostics) {
  const line = range.start.line + 1;
  console.error(`${file}:${line}: ${SEVERITIES[severity]} ${code}: ${message} (${path.join('.')})`);
}
const isValid = document !== undefined && diagnostics.length === 0;
if (isValid) {
  const names = document.operations().all().map((operation) => operation.id());
  console.log(`${file} is valid: ${names.join(', ')}`);
}
process.exitCode = isValid ? 0 : 1;
