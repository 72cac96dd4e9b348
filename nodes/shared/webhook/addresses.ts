/** IP addresses: which sender may send, and which host the internet cannot reach. Pure. */

/** Proxies may add a port: `35.200.156.199:51234`, `[2001:db8::1]:443`. */
const withoutPort = (text: string) =>
	/^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

/** 45 characters are the longest address, IPv6 with an IPv4 tail; brackets, a port and a zone (`%eth0`) may be added. */
const LONGEST = 45 + 24;

/** Of a 128-bit address: whether it is an IPv4 one, which counts as ::ffff:a.b.c.d. */
const isIpv4 = (bits: bigint) => bits >> 32n === 0xffffn;

/**
 * An address as 128 bits, as the URL parser reads it. A header that anybody may send becomes a sender's address, so what
 * is too long is refused before it is read.
 */
function address(text: string): bigint | undefined {
	if (text.length > LONGEST) return undefined;
	const plain = withoutPort(text).replace(/%.*/, '');
	const url = `http://[${plain.includes(':') || !plain.includes('.') ? '' : '::ffff:'}${plain}]`;
	if (!/^[\da-f:.]+$/i.test(plain) || !URL.canParse(url)) return undefined;
	const halves = new URL(url).hostname.slice(1, -1).split('::');
	const [head = [], tail = []] = halves.map((half) => half.split(':').filter(Boolean));
	const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
	return BigInt(`0x${[...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join('')}`);
}

/** How many bits of a 128-bit address stand before the IPv4 address in it. */
const MAPPED = 96;

/** The test for an address or a CIDR range; `undefined` when the text is neither. */
function range(entry: string): ((sender: bigint) => boolean) | undefined {
	const [text = '', prefix = '', more] = entry.split('/');
	const base = address(text);
	if (base === undefined || more !== undefined || (entry.includes('/') && !/^\d{1,3}$/.test(prefix))) return undefined;
	const length = prefix === '' ? 128 : Number(prefix) + (withoutPort(text).includes(':') ? 0 : MAPPED);
	if (length > 128 || (isIpv4(base) && length < MAPPED)) return undefined;
	return (sender) => isIpv4(sender) === isIpv4(base) && (sender ^ base) >> BigInt(128 - length) === 0n;
}

/**
 * The test behind a list of addresses and CIDR ranges, IPv4 or IPv6, separated by commas or spaces.
 * Throws an Error that names an entry which is neither.
 */
export function senderFilter(list: string): (sender: string) => boolean {
	const ranges = list
		.split(/[\s,]+/)
		.filter(Boolean)
		.map((entry) => {
			const read = range(entry);
			if (!read) throw new Error(`"${entry}" is neither an IP address nor a range such as 35.200.156.0/24`);
			return read;
		});
	return (sender) => {
		const from = address(sender);
		return from !== undefined && ranges.some((covers) => covers(from));
	};
}

/** Private, loopback, link-local and shared addresses (RFC 1918, 4193, 4291, 6598 and others). */
const isPrivate = senderFilter(
	'0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 ::/127 fc00::/7 fe80::/10',
);

/** Whether Hubble can reach a URL: by https on the internet. A Hubble on a private network, as in a test, reaches any. */
export function canReach(url: string, baseUrl: string): boolean {
	if (isPrivateHost(new URL(baseUrl).hostname)) return true;
	// n8n takes its public address as it is set, also without a scheme.
	if (!URL.canParse(url)) return false;
	const { protocol, hostname } = new URL(url);
	return protocol === 'https:' && !isPrivateHost(hostname);
}

/** Whether a host is one of a private network: by its address, or by a name that the public DNS does not have. */
export function isPrivateHost(host: string): boolean {
	if (address(host) !== undefined) return isPrivate(host);
	const name = host.toLowerCase().replace(/\.$/, '');
	return !name.includes('.') || /\.(localhost|local|internal|lan|intranet|home|corp|home\.arpa|test)$/.test(name);
}
