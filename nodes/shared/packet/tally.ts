/**
 * Counts the payloads of a run that could not be decoded: then the settings are wrong or devices differ, and a hint
 * says so.
 */
import type { Hint } from '../operation/operation';
import { counted, wholeNumber } from '../operation/values';
import { payloadDecoder, sensorLikeness, type Decoded, type DecodeSettings } from './decode';

class Tally {
	private count = 0;
	private failed = 0;
	private reason = '';
	/** What all payloads until now look like, though they are read as something else; nothing where they differ. */
	private likeness = '';

	note(payload: string, { decoded, decodeError }: Decoded, likeness: string): void {
		if (!payload) return;
		this.count += 1;
		this.likeness = this.count === 1 || this.likeness === likeness ? likeness : '';
		const isNothing = decoded === undefined || (typeof decoded === 'object' && !Object.keys(decoded ?? {}).length);
		if (!decodeError || !isNothing) return;
		this.failed += 1;
		this.reason ||= decodeError;
	}

	/** "1 of 3 payloads does not fit the format: 13 bytes, "t" ends at byte 42."; nothing where all could be read. */
	text(): string | undefined {
		if (this.likeness) return this.likeness;
		if (!this.failed) return undefined;
		const reason = this.reason.replace(/^the payload (?:has|is) /, '');
		return `${this.share()}: ${reason}.`;
	}

	private share(): string {
		const { count, failed } = this;
		if (count === 1) return 'The payload does not fit the format';
		if (count === failed) return `None of ${counted(count, 'payload')} fit the format`;
		return `${wholeNumber(failed)} of ${counted(count, 'payload')} ${failed === 1 ? 'does' : 'do'} not fit the format`;
	}
}

/**
 * A decoder that keeps count for the hint of its run: one for all items.
 * @param likenessOf what a payload looks like, as a hint, when it is perhaps read as the wrong thing
 */
export function tallied(
	decode: (payload: string) => Decoded,
	hints: Set<Hint>,
	likenessOf: (payload: string) => string = () => '',
): (payload: string) => Decoded {
	const tally = [...hints].find((hint) => hint instanceof Tally) ?? new Tally();
	hints.add(tally);
	return (payload) => {
		const result = decode(payload);
		tally.note(payload, result, likenessOf(payload));
		return result;
	};
}

/** The decoder of a request, which keeps count for the hint of the run; `undefined` when nothing is to be decoded. */
export function decoderOf(settings: DecodeSettings, hints: Set<Hint>): ((payload: string) => Decoded) | undefined {
	const decode = payloadDecoder(settings);
	return decode && tallied(decode, hints, sensorLikeness(settings));
}
