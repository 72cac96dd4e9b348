/** Times and devices in few characters: what triggers remember is stored by n8n as text with the workflow. Pure. */
import { createHash } from 'node:crypto';

/** The characters of a key, and of a time. */
export const KEY = 8;
export const TIME = 5;

/** The digits of numbers to the base 64. */
export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export const keyOf = (id: string): string => createHash('sha256').update(id).digest('base64url').slice(0, KEY);

export function numberText(number: number, length: number): string {
	let text = '';
	for (let rest = number; text.length < length; rest = Math.floor(rest / 64)) text = `${LETTERS[rest % 64]}${text}`;
	return text;
}

/** What each letter stands for, by its code: 100,000 marks are read at each page. */
const DIGITS = new Uint8Array(128).map((_, code) => LETTERS.indexOf(String.fromCharCode(code)));

export function numberOf(text: string): number {
	let number = 0;
	for (let at = 0; at < text.length; at++) number = number * 64 + (DIGITS[text.charCodeAt(at)] ?? 0);
	return number;
}

/** Times are counted from 2015 on: five letters then reach to 2049. 0 stays 0. */
const EPOCH_S = 1_420_070_400;

export const stampText = (seconds: number): string =>
	numberText(seconds === 0 ? 0 : Math.max(1, Math.floor(seconds) - EPOCH_S), TIME);

export function stampOf(text: string): number {
	const seconds = numberOf(text);
	return seconds === 0 ? 0 : seconds + EPOCH_S;
}

/** The parts of a text that have so many characters each. */
export function parts(text: string, size: number): string[] {
	return Array.from({ length: Math.floor(text.length / size) }, (_, index) =>
		text.slice(index * size, (index + 1) * size),
	);
}
