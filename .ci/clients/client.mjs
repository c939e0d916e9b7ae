// The openai package for Node, unchanged, against a running gted: node --test client.mjs
// Environment: as for test_clients.py.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import OpenAI from 'openai';

const TEXTS = ['怎么申请退款', '退款流程是什么？', 'iPhone 15 Pro 坏了🙂，还能退吗'];
const output = execFileSync(process.env.GTE_BIN, ['embed', '--no-start', '--json'], {
  input: TEXTS.map((text) => `${text}\n`).join(''),
  timeout: 60_000,
});
const expected = output.toString().trimEnd().split('\n').map((line) => JSON.parse(line).embedding);

const baseURL = `${process.env.GTE_URL.replace(/\/$/, '')}/v1`;
const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, timeout: 30_000 });
const model = (await client.models.list()).data[0].id;

function check(reply, vectors = expected) {
  assert.deepEqual(reply.data.map((row) => row.index), [...vectors.keys()]);
  const bits = (vector) => Buffer.from(Float32Array.from(vector).buffer).toString('hex');
  assert.deepEqual(reply.data.map((row) => bits(row.embedding)), vectors.map(bits));
}

test('base64 is the default', async () => {
  check(await client.embeddings.create({ model, input: TEXTS }));
  check(await client.embeddings.create({ model, input: TEXTS[0] }), expected.slice(0, 1));
});

test('float', async () => {
  check(await client.embeddings.create({ model, input: TEXTS, encoding_format: 'float' }));
});

test('token ids are refused', async () => {
  for (const input of [[101, 102], [[101, 102]]]) {
    await assert.rejects(client.embeddings.create({ model, input }), (error) =>
      error instanceof OpenAI.BadRequestError && /check_embedding_ctx_length/.test(error.message));
  }
});

test('an unknown model is not found', async () => {
  await assert.rejects(client.embeddings.create({ model: 'gpt', input: TEXTS }), OpenAI.NotFoundError);
});
