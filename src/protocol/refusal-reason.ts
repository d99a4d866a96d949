/** What is said beside a code of an error, where a client can do more than the code says. */

/** Why a file is not taken, where its code leaves that open. */
export type UploadFault = 'animated' | 'damaged' | 'encrypted' | 'heic' | 'pages' | 'pdf' | 'sides' | 'svg';

/**
 * `origin`, of `forbidden`: it is the page's origin that is not admitted. `switched_off`, of `unavailable`: by the operator,
 * who wants no question here. The others are told of an upload.
 */
export type RefusalReason = 'origin' | 'switched_off' | UploadFault;
