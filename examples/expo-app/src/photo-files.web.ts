/** Browsers write none: they go with the page. */
export async function forgetPhotos(): Promise<void> {}
