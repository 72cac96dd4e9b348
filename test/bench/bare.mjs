// The bare loop: fetch and JSON.parse over the pages of a period, nothing else. With a file name it writes
// the packets as NDJSON. Prints the seconds it took and its peak of resident memory above the start, in MB, as JSON.
//   node bare.mjs <base url> <organization> <token> [<file>]
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const [baseUrl, organization, apiToken, file] = process.argv.slice(2);
const now = Math.ceil(Date.now() / 1000);
const url = `${baseUrl}/api/org/${organization}/packets?start=${now - 29 * 86_400}&end=${now}`;
const output = file && createWriteStream(file);
const packets = [];
const idle = process.memoryUsage.rss();
const startedAt = performance.now();
for (let token; token !== '';) {
	const headers = { authorization: `Bearer ${apiToken}`, ...(token ? { 'continuation-token': token } : {}) };
	const reply = await fetch(url, { headers });
	if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
	const rows = JSON.parse(await reply.text()).packets;
	if (!output) packets.push(...rows);
	else if (!output.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))) {
		await new Promise((done) => output.once('drain', done));
	}
	token = reply.headers.get('continuation-token') ?? '';
}
if (output) await finished(output.end());
console.log(
	JSON.stringify([(performance.now() - startedAt) / 1000, process.resourceUsage().maxRSS / 1024 - idle / 2 ** 20]),
);
