import Base64 from 'crypto-js/enc-base64';
import hmacSHA256 from 'crypto-js/hmac-sha256';
import fc from 'fast-check';
import { canReach, isPrivateHost, senderFilter } from '../../nodes/shared/webhook/addresses';
import { fingerprint, isSecret, isSignature } from '../../nodes/shared/webhook/verify';

describe('isSecret', () => {
	const secrets = ['YjJd_B_GdSVVGWdNpuLEqtX1HMbDIX7Txvv2yr4NhrA', 'next'];

	it.each(secrets)('accepts %s', (secret) => {
		expect(isSecret(secret, secrets.map(fingerprint))).toBe(true);
	});

	it.each([undefined, '', ' ', 'Next', 'nex', 'nextt', 'next, next', ['next'], 'x'.repeat(100_000)])(
		'refuses %p',
		(given) => {
			expect(isSecret(given, secrets.map(fingerprint))).toBe(false);
		},
	);

	it('P1, P18: refuses everything when there is no secret', () => {
		expect(isSecret('', [])).toBe(false);
		expect(isSecret('', [fingerprint('')])).toBe(false);
		expect(isSecret('next', [])).toBe(false);
	});

	it('compares bytes: a header with UTF-8 comes as latin1', () => {
		expect(isSecret(Buffer.from('geheim-ß').toString('latin1'), [fingerprint('geheim-ß')])).toBe(true);
	});
});

describe('isSignature', () => {
	// RFC 4231, test cases 1, 2 and 4: those whose keys are UTF-8 text.
	it.each([
		['\x0b'.repeat(20), Buffer.from('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
		[
			'Jefe',
			Buffer.from('what do ya want for nothing?'),
			'5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
		],
		[
			String.fromCharCode(...Array.from({ length: 25 }, (_, i) => i + 1)),
			Buffer.alloc(50, 0xcd),
			'82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
		],
	])('knows the answer for the key %j', (key, body, hex) => {
		const signature = Buffer.from(hex, 'hex').toString('base64');
		expect(isSignature(signature, body, [key])).toBe(true);
		expect(isSignature(hex, body, [key])).toBe(false);
		expect(isSignature(signature, Buffer.concat([body, Buffer.from([0])]), [key])).toBe(false);
	});

	it('agrees with crypto-js, for either secret', () => {
		fc.assert(
			fc.property(
				fc.string({ minLength: 1, unit: 'grapheme' }),
				fc.string({ unit: 'grapheme' }),
				fc.string({ minLength: 1 }),
				(secret, body, other) => {
					const signature = Base64.stringify(hmacSHA256(body, secret));
					expect(isSignature(signature, Buffer.from(body), [other, secret])).toBe(true);
					expect(isSignature(signature, Buffer.from(`${body}!`), [other, secret])).toBe(false);
				},
			),
		);
	});

	it('refuses what is cut, changed in case, padded or of any other length', () => {
		const body = Buffer.from('{"balance":50,"threshold":100}');
		const right = Base64.stringify(hmacSHA256(body.toString(), 'secret'));
		const wrong = [
			right.slice(0, -1),
			right.toLowerCase(),
			`${right}=`,
			` ${right}`,
			'',
			'A',
			right.repeat(1000),
			undefined,
		];
		expect(wrong.filter((given) => isSignature(given, body, ['secret']))).toEqual([]);
		expect(isSignature(right, body, [])).toBe(false);
	});
});

describe('senderFilter', () => {
	it.each([
		['35.200.156.199, 34.47.147.244, 34.14.138.52', '34.47.147.244', true],
		['35.200.156.199', '35.200.156.198', false],
		['35.200.156.199', '::ffff:35.200.156.199', true],
		['::ffff:35.200.156.199', '35.200.156.199', true],
		['10.0.0.0/8', '10.255.0.1', true],
		['10.0.0.0/8', '11.0.0.1', false],
		['10.1.2.3/9', '10.127.0.0', true],
		['0.0.0.0/0', '203.0.113.9', true],
		['0.0.0.0/0', '2001:db8::1', false],
		['2001:db8::/32', '2001:db8:ffff::1', true],
		['2001:db8::/32', '2001:db9::1', false],
		['2001:DB8:0:0:0:0:0:1', '2001:db8::1', true],
		['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', true],
		['fe80::1', 'fe80::1%eth0', true],
		['::1 127.0.0.1', '127.0.0.1', true],
		['35.200.156.199', '35.200.156.199:51234', true],
		['35.200.156.199', '35.200.156.198:51234', false],
		['2001:db8::/32', '[2001:db8::1]:443', true],
		['2001:db8::1', '[2001:db8::1]', true],
		['35.200.156.199', '[::ffff:35.200.156.199]:51234', true],
		['::ffff:127.0.0.0/120', '127.0.0.9', true],
		['::ffff:127.0.0.0/120', '::ffff:127.0.0.9', true],
		['::ffff:127.0.0.0/120', '127.0.1.9', false],
		['::ffff:7f00:0/104', '127.255.0.1', true],
		['::ffff:0.0.0.0/96', '203.0.113.9', true],
		['0.0.0.1', '::1', false],
		['::/0', '203.0.113.9', false],
		['127.0.0.1', '', false],
		['127.0.0.1', 'localhost', false],
		['', '127.0.0.1', false],
		['::1', '::1]/x', false],
		['::1', '\t::1', false],
	])('%s and %s → %s', (list, sender, isAllowed) => {
		expect(senderFilter(list)(sender)).toBe(isAllowed);
	});

	it.each([
		'1.2.3',
		'1.2.3.256',
		'1.2..4',
		'0x1.2.3.4',
		'1.2.3.0004',
		'1:2:3:4::5:6:7:8',
		'1:2:3:4::5:6:7:8::9',
		'1.2.3.4/33',
		'1.2.3.4/-1',
		'1.2.3.4/8/9',
		'1.2.3.4/0x8',
		'1234',
		'1.2.3.4/',
		':::',
		'1::2::3',
		'2001:db8::/129',
		'::ffff:127.0.0.0/95',
		'1.2.3.4:99:1',
		'x[::1]',
		'[::1]:x',
		'12345::',
		'1:2:3:4:5:6:7',
		'hubble.com',
	])('names %s as wrong', (entry) => {
		expect(() => senderFilter(`127.0.0.1, ${entry}`)).toThrow(`"${entry}" is neither an IP address nor a range`);
	});
});

describe('a sender that is no address', () => {
	it.each([
		['dots', `${'.'.repeat(15_000)}:`],
		['groups', `::${'1:'.repeat(15_000)}1.2.3.4`],
		['a zone', `::1%${'%'.repeat(15_000)}`],
		['brackets', `[${'['.repeat(15_000)}:`],
		['digits', `${'1'.repeat(15_000)}:1`],
	])('of thousands of %s costs nothing', (_, sender) => {
		const isAllowed = senderFilter('::1, 127.0.0.1');
		const since = performance.now();
		for (let calls = 0; calls < 100; calls++) expect(isAllowed(sender)).toBe(false);
		// One call took minutes.
		expect(performance.now() - since).toBeLessThan(1000);
	});

	it('is one character longer than the longest form of an address', () => {
		const longest = '[0000:0000:0000:0000:0000:ffff:255.255.255.255%interface-name01]:65535';
		expect(senderFilter('255.255.255.255')(longest.replace('name01', 'name0'))).toBe(true);
		expect(senderFilter('255.255.255.255')(longest)).toBe(false);
	});
});

describe('isPrivateHost', () => {
	it.each([
		['localhost', true],
		['n8n', true],
		['n8n.local', true],
		['N8N.Internal.', true],
		['127.0.0.1', true],
		['10.1.2.3', true],
		['172.16.0.1', true],
		['172.31.255.1', true],
		['172.32.0.1', false],
		['192.168.1.1', true],
		['169.254.1.1', true],
		['100.64.0.1', true],
		['0.0.0.0', true],
		['[::1]', true],
		['[::]', true],
		['[fd00::1]', true],
		['[fc00::1]', true],
		['[fe80::1]', true],
		['[::ffff:10.0.0.1]', true],
		['[2001:db8::1]', false],
		['8.8.8.8', false],
		...['localhost', 'local', 'internal', 'lan', 'intranet', 'home', 'corp', 'home.arpa', 'test'].map(
			(end): [string, boolean] => [`n8n.${end}`, true],
		),
		['n8n.notlocal', false],
		['n8n.example.com', false],
		['localhost.example.com', false],
		['n8n.local.example.com', false],
	])('%s → %s', (host, expected) => {
		expect(isPrivateHost(host)).toBe(expected);
	});
});

describe('canReach', () => {
	it.each([
		['https://n8n.example.com/webhook/h/webhook', true],
		['http://n8n.example.com/webhook/h/webhook', false],
		['https://10.0.0.5/webhook/h/webhook', false],
		['https://n8n.local/webhook/h/webhook', false],
		['n8n.example.com/webhook/h/webhook', false],
	])('%s → %s, and any from a Hubble on a private network', (url, expected) => {
		expect(canReach(url, 'https://hubble.example.com')).toBe(expected);
		for (const baseUrl of ['http://127.0.0.1:3000', 'https://hubble.internal'])
			expect(canReach(url, baseUrl)).toBe(true);
	});
});
