/** IP addresses: which sender may send, and which host the internet cannot reach. Pure. */
interface Address {
	bits: bigint;
	/** 32 for IPv4 (also when it comes as ::ffff:a.b.c.d), 128 for IPv6. */
	width: 32 | 128;
}

function ipv4(text: string): Address | undefined {
	const parts = text.split('.');
	if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
	return { bits: parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n), width: 32 };
}

function ipv6(text: string): Address | undefined {
	// A dotted tail stands for the last two groups.
	const tail = text.includes('.') ? text.slice(text.lastIndexOf(':') + 1) : undefined;
	const low = tail === undefined ? undefined : ipv4(tail)?.bits;
	if (tail !== undefined && low === undefined) return undefined;
	const groups = (part: string) => part.split(':').filter((group) => group !== '' || part !== '');
	const plain =
		low === undefined
			? text
			: `${text.slice(0, -(tail ?? '').length)}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
	const halves = plain.split('::');
	if (halves.length > 2) return undefined;
	const [head = [], rest = []] = halves.map(groups);
	const missing = 8 - head.length - rest.length;
	if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
	const all = [...head, ...Array.from({ length: missing }, () => '0'), ...rest];
	if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
	const bits = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
	return bits >> 32n === 0xffffn ? { bits: bits & 0xffffffffn, width: 32 } : { bits, width: 128 };
}

/** Proxies may add a port: `35.200.156.199:51234`, `[2001:db8::1]:443`. */
const withoutPort = (text: string) =>
	/^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

/** 45 characters are the longest address, IPv6 with an IPv4 tail; brackets, a port and a zone (`%eth0`) may be added. */
const LONGEST = 45 + 24;

/** A header that anybody may send becomes a sender's address, so what is too long is refused before it is read. */
function address(text: string): Address | undefined {
	if (text.length > LONGEST) return undefined;
	const plain = withoutPort(text);
	return plain.includes(':') ? ipv6(plain.replace(/%.*/, '')) : ipv4(plain);
}

/** How many bits of an IPv6 address stand before an IPv4 address that it holds. */
const MAPPED = 96;

/** A range as the bits that its addresses share; `undefined` when the text is none. */
function range(entry: string) {
	const [text = '', prefix, more] = entry.split('/');
	const base = address(text);
	if (!base || more !== undefined) return undefined;
	const isMapped = base.width === 32 && withoutPort(text).includes(':');
	const given = prefix === undefined ? base.width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
	const length = isMapped && prefix !== undefined ? given - MAPPED : given;
	if (!(length >= 0 && length <= base.width)) return undefined;
	const shift = BigInt(base.width - length);
	return { width: base.width, shift, bits: base.bits >> shift };
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
		return !!from && ranges.some(({ width, shift, bits }) => width === from.width && from.bits >> shift === bits);
	};
}

/** Private, loopback, link-local and shared addresses (RFC 1918, 4193, 4291, 6598 and others). */
const isPrivate = senderFilter(
	'0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 ::/127 fc00::/7 fe80::/10',
);

/** Whether a host is one of a private network: by its address, or by a name that the public DNS does not have. */
export function isPrivateHost(host: string): boolean {
	if (address(host)) return isPrivate(host);
	const name = host.toLowerCase().replace(/\.$/, '');
	return !name.includes('.') || /\.(localhost|local|internal|lan|intranet|home|corp|home\.arpa|test)$/.test(name);
}
