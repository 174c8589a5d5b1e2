/** Is something on? The address says so too, so that it can be kept. */
export class AddressSwitch {
  isOn: boolean = $state(false)

  constructor(private readonly name: string) {
    this.isOn = new URLSearchParams(location.search).has(name)
  }

  toggle(): void {
    this.isOn = !this.isOn
    const address = new URL(location.href)
    if (this.isOn) address.searchParams.set(this.name, '')
    else address.searchParams.delete(this.name)
    history.replaceState(null, '', address)
  }
}

/** Are the servers shown as lanes along the time, rather than on a ring? */
export const lanes = new AddressSwitch('space-time')
