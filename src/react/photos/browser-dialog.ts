/** The browser's own dialog for files. */

export interface FileWish {
  /** Types, as of the attribute `accept`. */
  readonly accept: string;
  /** On a phone the camera opens at once. */
  readonly isCamera?: boolean;
  readonly isMultiple?: boolean;
}

/** None where the person changed their mind. To be called while a press is being handled: browsers open it only then. */
export function chooseFiles({ accept, isCamera = false, isMultiple = false }: FileWish): Promise<File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = accept;
  input.multiple = isMultiple;
  if (isCamera) input.setAttribute('capture', 'environment');
  return new Promise((resolve) => {
    input.onchange = () => resolve([...(input.files ?? [])]);
    input.oncancel = () => resolve([]);
    input.click();
  });
}
