/** With DEBUG_FRAMES=1 the tests' clients print each frame to stderr: its shape, and never a word of a text or a token. */

const ON = process.env['DEBUG_FRAMES'] === '1';
/** Printed as they are, where they look like what they should be. */
const NAMES = new Set(['type', 'id', 'epoch', 'of', 'code']);
const NAME = /^[\w.:-]{1,64}$/;
const ARROWS = { sent: '→', received: '←' };

/** @param frame as it travelled, or as it was before it was written */
export function debugFrame(direction: keyof typeof ARROWS, frame: string | object): void {
  if (ON) process.stderr.write(`${ARROWS[direction]} ${describeFrame(frame)}\n`);
}

/** `chunk id=a seq=3 content=<12 characters>`; numbers and flags as they are, of all else only how much it is. */
export function describeFrame(frame: string | object): string {
  const fields = typeof frame === 'string' ? fieldsOf(frame) : frame;
  if (fields === undefined) return `<${String(frame).length} characters that are no frame>`;
  const { type, ...rest } = fields as Readonly<Record<string, unknown>>;
  const described = Object.entries(rest).map(([name, value]) => `${nameOf(name)}=${shapeOf(name, value)}`);
  return [shapeOf('type', type), ...described].join(' ');
}

function fieldsOf(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(name: string): string {
  return NAME.test(name) ? name : `<${name.length} characters>`;
}

function shapeOf(name: string, value: unknown): string {
  if (typeof value === 'string')
    return NAMES.has(name) && NAME.test(value) ? value : `<${value.length} characters>`;
  if (Array.isArray(value)) return `<${value.length} items>`;
  if (typeof value === 'object' && value !== null) return `<${JSON.stringify(value).length} characters>`;
  return String(value);
}
