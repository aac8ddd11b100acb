// Opens a SMART Health Link: the key is in the address behind the #, which no browser sends anywhere.
(function () {
  'use strict'
  const see = (id) => document.getElementById(id)
  const say = (text) => { see('state').textContent = text }
  const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
  const textOf = (bytes) => new TextDecoder().decode(bytes)
  const FLAGS = { H: '↑ 偏高', HH: '↑↑ 危急值', HU: '↑↑ 明显偏高', L: '↓ 偏低', LL: '↓↓ 危急值', LU: '↓↓ 明显偏低', A: '异常', AA: '危急值', POS: '阳性' }

  function readLink () {
    const found = /shlink:\/([\w-]+)/.exec(location.hash)
    if (!found) return null
    try {
      return JSON.parse(textOf(bytesOf(found[1])))
    } catch {
      return null
    }
  }

  async function decrypt (jwe, key) {
    const [header, , nonce, text, tag] = jwe.split('.')
    const sealed = new Uint8Array([...bytesOf(text), ...bytesOf(tag)])
    const aad = new TextEncoder().encode(header)
    const opened = await crypto.subtle.importKey('raw', bytesOf(key), 'AES-GCM', false, ['decrypt'])
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytesOf(nonce), additionalData: aad }, opened, sealed))
  }

  async function fetchFiles (link) {
    const body = { recipient: see('recipient').value.trim() }
    if (see('passcode').value) body.passcode = see('passcode').value
    // The address inside the link is only followed to the server that this page is from.
    const path = new URL(link.url).pathname
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok) return (await answer.json()).files
    const error = (await answer.json().catch(() => ({}))).error || {}
    if (answer.status === 401) throw new Error(`口令不正确，还可以试${error.data ? error.data.remaining_attempts : 0}次。`)
    if (answer.status === 404) throw new Error('链接已失效：可能过期、被停用，或口令输错太多次。')
    throw new Error('暂时打不开，请稍后再试。')
  }

  const name = (concept) => (concept && (concept.text || (concept.coding || []).map((c) => c.display || c.code)[0])) || ''

  function rows (observation) {
    const parts = observation.component ? observation.component : [observation]
    return parts.map((part) => {
      const quantity = part.valueQuantity
      const value = quantity ? `${quantity.comparator || ''}${quantity.value} ${quantity.unit || ''}` : part.valueString || name(part.valueCodeableConcept)
      const range = (part.referenceRange || [])[0] || {}
      const ends = [range.low, range.high].map((end) => (end ? end.value : ''))
      const flag = FLAGS[(((part.interpretation || [])[0] || { coding: [] }).coding[0] || {}).code] || ''
      return [name(part.code), value, range.text || (range.low || range.high ? ends.join('–') : ''), flag]
    })
  }

  function showBundle (bundle) {
    const resources = (bundle.entry || []).map((entry) => entry.resource)
    const report = resources.find((one) => one.resourceType === 'DiagnosticReport') || {}
    see('conclusion').textContent = report.conclusion || ''
    for (const cells of resources.filter((one) => one.resourceType === 'Observation').flatMap(rows)) {
      const row = see('results').insertRow()
      cells.forEach((cell) => { row.insertCell().textContent = cell })
      if (cells[3]) row.className = 'odd'
    }
    see('results').parentElement.hidden = see('results').rows.length === 0
  }

  async function open (link) {
    const files = await fetchFiles(link)
    for (const file of files) {
      const content = await decrypt(file.embedded, link.key)
      if (file.contentType === 'application/pdf') {
        see('pdf').href = URL.createObjectURL(new Blob([content], { type: file.contentType }))
      } else {
        showBundle(JSON.parse(textOf(content)))
      }
    }
    see('ask').hidden = true
    see('shown').hidden = false
    say('')
  }

  const link = readLink()
  if (!link) {
    see('ask').hidden = true
    say('链接不完整，请重新扫码或重新复制链接。')
    return
  }
  see('title').textContent = link.label || '查看分享的报告'
  see('passcode-part').hidden = !(link.flag || '').includes('P')
  see('ask').addEventListener('submit', (event) => {
    event.preventDefault()
    see('open').disabled = true
    open(link).catch((error) => { say(error instanceof DOMException ? '链接里的密钥不对，打不开。' : error.message) })
      .finally(() => { see('open').disabled = false })
  })
})()
