/** Which n8n the package finds in a test: 2, unless a test sets it. */
export const n8nLine = { is1: false };
