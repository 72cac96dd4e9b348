/** Which payloads of a run could be read: where some could not, the settings are wrong or devices differ, and a hint says so. */
import type { IDataObject } from 'n8n-workflow';
import type { Hint } from '../operation/operation';
import { counted, wholeNumber } from '../operation/values';
import { payloadDecoder, sensorTest, type Decoded } from './decode';

class Tally {
	private count = 0;
	private failed = 0;
	private reason = '';

	note(payload: string, { decoded, decodeError }: Decoded): void {
		if (!payload) return;
		this.count += 1;
		const isNothing = decoded === undefined || (typeof decoded === 'object' && !Object.keys(decoded ?? {}).length);
		if (!decodeError || !isNothing) return;
		this.failed += 1;
		this.reason ||= decodeError;
	}

	/** "1 of 3 payloads does not fit: 13 bytes, "t" ends at byte 42."; nothing where all could be read. */
	text(): string | undefined {
		if (!this.failed) return undefined;
		const reason = this.reason.replace(/^the payload (?:has|is) /, '');
		return `${this.share()}: ${reason}.`;
	}

	private share(): string {
		const { count, failed } = this;
		if (count === 1) return 'The payload does not fit';
		if (count === failed) return `None of ${counted(count, 'payload')} fit`;
		return `${wholeNumber(failed)} of ${counted(count, 'payload')} ${failed === 1 ? 'does' : 'do'} not fit`;
	}
}

/** Whether all payloads of a run that were read as BTHome look like those of Hubble's sensors. */
class Sensors {
	private count = 0;
	private isOther = false;

	note(payload: string, isSensors: (payload: string) => boolean): void {
		if (this.isOther || !payload) return;
		this.isOther = !isSensors(payload);
		this.count += 1;
	}

	text(): string | undefined {
		return this.isOther || !this.count ? undefined : 'This looks like Hubble Sensor, not BTHome. Choose that format.';
	}
}

/** A decoder that keeps count for the hint of its run: one for all items. */
export function tallied(
	decode: (payload: string) => Decoded,
	hints: Set<Hint>,
	isSensors?: (payload: string) => boolean,
): (payload: string) => Decoded {
	const others = isSensors && ([...hints].find((hint) => hint instanceof Sensors) ?? new Sensors());
	if (others) hints.add(others);
	const tally = [...hints].find((hint) => hint instanceof Tally) ?? new Tally();
	hints.add(tally);
	return (payload) => {
		const result = decode(payload);
		tally.note(payload, result);
		if (isSensors) others?.note(payload, isSensors);
		return result;
	};
}

/** The decoder of a request, which keeps count for the hint of the run; `undefined` when nothing is to be decoded. */
export function decoderOf(settings: IDataObject, hints: Set<Hint>): ((payload: string) => Decoded) | undefined {
	const decode = payloadDecoder(settings);
	return decode && tallied(decode, hints, sensorTest(settings));
}
