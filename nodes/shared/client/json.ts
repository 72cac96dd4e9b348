/** Values from outside, whose type nobody knows before it was looked at. */
import type { IDataObject } from 'n8n-workflow';

/** Whether a value is an object with fields: no list, and not `null`. */
export const isObject = (value: unknown): value is IDataObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of a value; none when it has no fields. */
export const objectOf = (value: unknown): IDataObject => (isObject(value) ? value : {});
