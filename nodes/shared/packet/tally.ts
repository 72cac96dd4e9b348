/** Whether any payload of a run could be read: where none could, the settings are wrong, and a hint says so. */
import type { Hint } from '../operation/operation';
import { counted } from '../operation/values';
import type { Decoded } from './decode';

class Tally {
	private failed = 0;
	private reason = '';
	private fits = false;

	note(payload: string, { decoded, decodeError }: Decoded): void {
		if (this.fits || !payload) return;
		const isNothing = decoded === undefined || (typeof decoded === 'object' && !Object.keys(decoded ?? {}).length);
		if (!decodeError || !isNothing) {
			this.fits = true;
			return;
		}
		this.failed += 1;
		this.reason ||= decodeError;
	}

	/** "None of 3 payloads fit: 13 bytes, "t" ends at byte 42."; nothing where one could be read. */
	text(): string | undefined {
		if (this.fits || !this.failed) return undefined;
		const reason = this.reason.replace(/^the payload (?:has|is) /, '');
		const what = this.failed === 1 ? 'The payload does not fit' : `None of ${counted(this.failed, 'payload')} fit`;
		return `${what}: ${reason}.`;
	}
}

/** A decoder that keeps count for the hint of its run: one for all items. */
export function tallied(decode: (payload: string) => Decoded, hints: Set<Hint>): (payload: string) => Decoded {
	const tally = [...hints].find((hint) => hint instanceof Tally) ?? new Tally();
	hints.add(tally);
	return (payload) => {
		const result = decode(payload);
		tally.note(payload, result);
		return result;
	};
}
