/** What the builds make of files of packages: fonts become their bytes in base64, style sheets their text. */
declare module '*.woff2' {
  const base64: string;
  export default base64;
}
declare module 'katex/dist/katex.min.css' {
  const text: string;
  export default text;
}
