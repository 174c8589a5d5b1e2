import { mount } from 'svelte'
import App from './App.svelte'
import './looks/app.css'

mount(App, { target: document.getElementById('app')! })
