// The page in headless Chromium, in front of a gted that the test starts, ends and starts again.
//
// GTED_BIN is the program, CHROMIUM the browser, PAGE the file of the page. Pictures are written to PICTURES, if that is set.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';

const folder = mkdtempSync(join(tmpdir(), 'gte-page-'));
const TOKEN = '0123456789abcdef0123456789abcdef';
let port, daemon, browser, page;
const violations = [];
const requests = [];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function startDaemon(...options) {
  const socket = join(folder, 'gted.sock');
  const all = ['serve', '--socket', socket, '--http', `127.0.0.1:${port}`, ...options];
  daemon = spawn(process.env.GTED_BIN, all, { stdio: 'ignore', env: { HOME: folder } });
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
    if (answer?.ok) return;
    assert.ok(Date.now() < deadline && daemon.exitCode === null, 'gted answers');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function endDaemon(signal = 'SIGTERM') {
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill(signal);
  await ended;
}

async function open(path = '', language = 'zh-CN') {
  await page?.close();
  page = await browser.newPage();
  await page.setExtraHTTPHeaders({ 'Accept-Language': language });
  await page.evaluateOnNewDocument((value) => {
    Object.defineProperty(navigator, 'languages', { get: () => [value] });
    document.addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective));
  }, language);
  page.on('console', (line) => line.type() === 'error' && violations.push(line.text()));
  page.on('pageerror', (error) => violations.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.setViewport({ width: 1100, height: 1000 });
  await page.goto(`http://127.0.0.1:${port}/${path}`);
}

const text = (id) => page.$eval(`#${id}`, (element) => element.textContent);
const until = (id, pattern) => page.waitForFunction(
  (of, source) => new RegExp(source).test(document.getElementById(of).textContent),
  { timeout: 30_000 }, id, pattern.source,
);
const angle = () => page.$eval('#needle', (needle) => getComputedStyle(needle).transform);

async function picture(name) {
  if (!process.env.PICTURES) return;
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), fullPage: true });
}

before(async () => {
  port = await freePort();
  await startDaemon();
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--lang=zh-CN'],
  });
});

after(async () => {
  await browser?.close();
  daemon?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('typing two texts moves the needle and shows what was read', async () => {
  await open();
  assert.match(await text('hint'), /输入两段文本/);
  const atRest = await angle();
  await page.type('#text-a', '我的iPhone坏了😀，怎么申请退款？');
  await page.type('#text-b', '手机坏了想退货退款');
  await until('score', /^\d+\.\d\d$/);
  assert.match(await text('verdict'), /相似|差异/);
  assert.match(await text('cosine'), /^0\.\d{4}$/);
  assert.match(await text('model'), /bge-small-zh-v1.5/);
  assert.match(await text('tokens-a'), /读了 16\/16 个词元 · 1 个未知/);
  assert.equal(await page.$eval('#reading-a abbr', (mark) => mark.textContent), '😀');
  assert.match(await text('steps-a'), /小写/);
  await page.waitForFunction((before) => getComputedStyle(document.getElementById('needle')).transform !== before, {}, atRest);
  const label = await page.$eval('#gauge', (gauge) => gauge.getAttribute('aria-label'));
  assert.ok(label.includes(await text('score')));
  assert.equal(new URL(page.url()).hash, '', 'texts stay out of the address');
});

test('an explanation marks the words, and a word its closest one', async () => {
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await page.waitForSelector('#explained .word');
  const words = await page.$$eval('#explained .word', (all) => all.map((word) => word.firstChild.textContent));
  assert.ok(words.includes('iPhone') && words.includes('退款'), words.join(' '));
  await page.focus('#explained .word');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.$eval(':focus', (word) => word.firstChild.textContent), 'iPhone');
  assert.equal(await page.$eval('.is-closest', (word) => word.firstChild.textContent), '手机');
  await picture('page-explain');
});

test('a long text is shown with its cut', async () => {
  await page.$eval('#text-a', (box) => { box.value = ''; });
  await page.$eval('#text-a', (box) => {
    box.value = '甲方付款。'.repeat(150);
    box.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await until('tokens-a', /已截断：读了 512\/752/);
  assert.equal(await page.$eval('#reading-a .unread', (part) => part.textContent.length), 240);
});

test('a link holds the texts only after a click, and opens with them', async () => {
  await open();
  await page.type('#text-a', '退款');
  await page.type('#text-b', '退 & 款#');
  await until('score', /./);
  await page.click('#share');
  await page.waitForFunction(() => location.hash !== '');
  const { hash } = new URL(page.url());
  await open(hash);
  await until('score', /./);
  assert.equal(await page.$eval('#text-b', (box) => box.value), '退 & 款#');
});

test('a list is ranked, and a faulty line is named by its number', async () => {
  await open('', 'en');
  await page.keyboard.down('Alt');
  await page.keyboard.press('Digit2');
  await page.keyboard.up('Alt');
  await page.type('#query', '怎么退款');
  await page.type('#texts', '今天天气不错\n\n如何申请退款\n退货流程');
  await page.click('#rank');
  await page.waitForSelector('#ranking-rows tr');
  const rows = await page.$$eval('#ranking-rows tr', (all) => all.map((row) => row.children[3].textContent));
  assert.deepEqual(rows, ['3', '4', '1']);
  await picture('page-rank');
  await page.type('#texts', '\n\u200b');
  await page.click('#rank');
  await until('rank-status', /line 5 has nothing to compare/);
});

test('a daemon that is gone is told, and its return is noticed', async () => {
  await open('', 'en');
  await page.type('#text-a', '退款');
  await page.type('#text-b', '退货');
  await until('score', /./);
  const before = await text('score');
  await endDaemon('SIGKILL');
  await page.type('#text-b', '流程');
  await until('status', /does not answer; trying again/);
  assert.equal(await text('score'), '', 'no stale score');
  await startDaemon();
  await until('score', /./);
  assert.notEqual(await text('score'), before);
  assert.equal(await text('status'), '');
});

test('a token is asked for, and kept in the tab', async () => {
  await endDaemon();
  const file = join(folder, 'tokens');
  writeFileSync(file, `page ${TOKEN}\n`);
  await startDaemon('--token-file', file);
  await open('', 'en');
  await page.type('#text-a', '退款');
  await page.type('#text-b', '退货');
  await page.waitForSelector('#settings-dialog[open]');
  assert.match(await text('settings-message'), /needs a token/);
  await page.type('#token', TOKEN);
  await page.click('#save-settings');
  await until('score', /./);
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('0123')), false);
  await endDaemon();
  await startDaemon();
});

test('another server is out of reach of this copy of the page', async () => {
  await open('', 'en');
  const known = violations.length;
  await page.click('#settings');
  await page.type('#api-address', 'http://127.0.0.1:1');
  await page.click('#save-settings');
  await page.type('#text-a', '退款');
  await page.type('#text-b', '退货');
  await until('status', /own server only/);
  violations.length = known;
  await page.click('#settings');
  await page.$eval('#api-address', (field) => { field.value = ''; });
  await page.click('#save-settings');
  await until('score', /./);
});

test('a copy of the page elsewhere reaches a server that allows its origin', async () => {
  const html = readFileSync(process.env.PAGE);
  const elsewhere = createHttpServer((_, reply) => {
    reply.setHeader('Content-Type', 'text/html; charset=utf-8');
    reply.end(html);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => elsewhere.once('listening', resolve));
  const origin = `http://127.0.0.1:${elsewhere.address().port}`;
  const file = join(folder, 'tokens');
  writeFileSync(file, `page ${TOKEN}\n`);
  await endDaemon();
  await startDaemon('--cors', origin, '--token-file', file);
  await page.close();
  page = await browser.newPage();
  await page.goto(origin);
  await page.click('#settings');
  await page.type('#api-address', `127.0.0.1:${port}`);
  await page.type('#token', TOKEN);
  await page.click('#save-settings');
  await page.type('#text-a', '退款');
  await page.type('#text-b', '退货');
  await until('score', /./);
  // Without the permission, the browser keeps the answer from the page.
  await endDaemon();
  await startDaemon('--token-file', file);
  await page.type('#text-b', '流程');
  await until('status', /./);
  assert.equal(await text('score'), '');
  elsewhere.closeAllConnections();
  elsewhere.close();
  await endDaemon();
  await startDaemon();
});

test('a phone, a dark screen and reduced motion', async () => {
  await open('#a=%E9%80%80%E6%AC%BE&b=%E9%80%80%E8%B4%A7', 'zh-CN');
  await until('score', /./);
  await page.setViewport({ width: 320, height: 640 });
  const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= width, `${wide} of ${width}`);
  await picture('page-phone');
  await page.setViewport({ width: 1100, height: 900 });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: 'dark' }, { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  assert.equal(await page.$eval('#needle', (needle) => getComputedStyle(needle).transitionDuration), '0s');
  await picture('page-dark');
});

test('the tab keeps its history, and the browser no text', async () => {
  await open();
  await page.type('#text-a', '发票');
  await page.type('#text-b', '开票');
  await until('score', /./);
  await page.reload();
  await page.click('#history button');
  assert.equal(await page.$eval('#text-a', (box) => box.value), '发票');
  assert.equal(await page.evaluate(() => Object.values(localStorage).join('').includes('发票')), false);
  await page.click('#clear-history');
  assert.equal(await page.$eval('#history-section', (section) => section.hidden), true);
});

test('nothing was fetched from elsewhere, and nothing went wrong', () => {
  const own = [`http://127.0.0.1:${port}/`, 'data:', 'http://127.0.0.1:1/'];
  const foreign = requests.filter((url) => !own.some((begin) => url.startsWith(begin)));
  assert.deepEqual(foreign, []);
  // A browser also logs replies of 4xx and servers that are gone.
  assert.deepEqual(violations.filter((line) => !line.includes('Failed to load resource')), []);
});
