// Package profile implements "fluvio profile": it shows and edits the profile
// file. It opens no connection.
package profile
