/** Which n8n the package finds in a test: 2, unless a test sets it. Jest's n8n-workflow lacks what tells the two apart. */
export const n8nLine = { is1: false };
