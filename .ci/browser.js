// Opens Swagger UI, tries an operation out, and fails when anything outside this machine is asked for.
'use strict';
const { chromium } = require('playwright-core');

const [base, screenshot, key] = process.argv.slice(2);

function check(condition, complaint) {
  if (!condition) throw new Error(complaint);
}

// Opens an operation and sends what its form holds; the answer's status.
async function execute(page, id) {
  const operation = page.locator(`#operations-${id}`);
  await operation.waitFor({ timeout: 30000 });
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  const status = operation.locator('.live-responses-table tbody .response-col_status').first();
  await status.waitFor({ timeout: 30000 });
  const body = await operation.locator('.live-responses-table .highlight-code').first().innerText();
  return { status: (await status.innerText()).split(/\s/)[0], body };
}

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    const strangers = [];
    const failures = [];
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(base) && !url.startsWith('data:')) strangers.push(url);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
    });
    page.on('pageerror', (error) => failures.push(String(error)));

    await page.goto(`${base}/docs`);
    const list = await execute(page, 'articles-list_articles');
    check(list.status === '200', `"Try it out" answers ${list.status}`);
    check(list.body.includes('"data"'), 'the answer shown is no list');

    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.locator('.auth-container input').fill(key);
    await page.locator('.auth-btn-wrapper button[type=submit]').click();
    await page.locator('.auth-btn-wrapper .btn-done').click();
    const made = await execute(page, 'articles-create_article');
    check(made.status === '201', `the example of a new article answers ${made.status}: ${made.body}`);
    await page.screenshot({ path: screenshot });
    check(strangers.length === 0, `asked for ${strangers.join(', ')}`);
    check(failures.length === 0, failures.join('\n'));
    console.log('1 passed, 0 failed');
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
