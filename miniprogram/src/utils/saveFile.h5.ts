// Handing a file to the person, on the web: a download.

export function saveFile(content: ArrayBuffer, name: string): Promise<void> {
  const address = URL.createObjectURL(new Blob([content]))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => {
    URL.revokeObjectURL(address)
  }, 60_000)
  return Promise.resolve()
}
