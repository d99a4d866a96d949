/** What the client does after a close, by PROTOCOL.md's table of close codes. */

const VERDICTS = new Map([
  [1002, 'stop'],
  [1003, 'stop'],
  [1007, 'stop'],
  [1008, 'stop'],
  [1009, 'stop'],
  [1012, 'after-hint'],
  [4400, 'stop'],
  [4401, 'fresh-token'],
  [4403, 'stop'],
]);

/** `stop`: reconnecting would not help. `after-hint`: when `going_away` said. Any other code: `back-off`. */
export function closeVerdict(code) {
  return VERDICTS.get(code) ?? 'back-off';
}
