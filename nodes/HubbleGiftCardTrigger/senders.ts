/** The addresses from which events are taken. Pure. */
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
	const tail = /[^:]*\.[^:]*$/.exec(text)?.[0];
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

const address = (text: string) => (text.includes(':') ? ipv6(text.replace(/%.*$/, '')) : ipv4(text));

/**
 * The test behind a list of addresses and CIDR ranges, IPv4 or IPv6, separated by commas or spaces.
 * Throws an Error that names an entry which is neither.
 */
export function senderFilter(list: string): (sender: string) => boolean {
	const ranges = list
		.split(/[\s,]+/)
		.filter(Boolean)
		.map((entry) => {
			const [text = '', prefix, more] = entry.split('/');
			const base = address(text);
			const length = prefix === undefined ? base?.width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : undefined;
			if (!base || length === undefined || length > base.width || more !== undefined) {
				throw new Error(`"${entry}" is neither an IP address nor a range such as 35.200.156.0/24`);
			}
			const shift = BigInt(base.width - length);
			return { width: base.width, shift, bits: base.bits >> shift };
		});
	return (sender) => {
		const from = address(sender);
		return !!from && ranges.some(({ width, shift, bits }) => width === from.width && from.bits >> shift === bits);
	};
}
