/** Header of an unfragmented, unmasked text frame (RFC 6455, 5.2) as a latin1 string. `length` in bytes. */
export function textFrameHeader(length: number): string {
  return USUAL[length] ?? header(length);
}

function header(length: number): string {
  if (length < 126) return String.fromCharCode(FIN_TEXT, length);
  if (length < 65_536) return String.fromCharCode(FIN_TEXT, LENGTH_16, length >>> 8, length & 0xff);
  return (
    String.fromCharCode(FIN_TEXT, LENGTH_64, 0, 0, 0, 0) +
    String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)
  );
}

const FIN_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** Nearly every frame is one delta: its header is made once for all. */
const USUAL: readonly string[] = Array.from({ length: 512 }, (_, length) => header(length));
